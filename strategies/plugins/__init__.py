"""Python plug-ins: measures and remedies beyond those of the language, with a rule book that uses them."""
