"""Alerts: who is told of what, the queue, the mails and their outcome."""
