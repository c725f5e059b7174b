"""The reference: rules, gate, configuration and verbs, written from the program's own tables.

    python -m bot.app.reference docs

writes the generated pages of the folder anew; a test compares them with what is checked in.
"""
