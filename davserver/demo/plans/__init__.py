"""The people and the three dossiers of the demonstration, as plans."""
