"""What `penstock tape` does with recorded markets: look them over, and write them in other forms."""
