"""What gunicorn runs: its worker, the connections of one, their sockets and its log. Knows nothing of the app."""
