"""Dossiers: made in one act from a plan, their states, their export, their purge."""
