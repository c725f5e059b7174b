"""The world: venues, disks, networks. The core never imports from here."""
