"""The settings loader: YAML text -> located nodes -> typed frozen dataclasses.

It knows nothing of accounts, rules or orders: every room declares dataclasses of its own, and ``load``
fills them. The walk is ``document`` (text to nodes, each with its place), ``environment`` (overrides
replace nodes), ``bind`` (nodes to values by the declared type).

A value is read from the text a person wrote, by the type the field declares, and never by what YAML
would guess: so ``010`` is refused where a number is meant and kept where text is meant. The first thing
that is wrong ends the load with a ``SettingsError`` that says where, what was found, and what to do.
"""
