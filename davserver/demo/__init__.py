"""The demonstration site: fictitious dossiers and the documents they hold."""
