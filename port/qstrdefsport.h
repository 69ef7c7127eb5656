// Names that no source file mentions.
