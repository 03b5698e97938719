"""The program's own commands, one module a word, imported when the word is used."""
