"""How events travel between services: by ARN, never by import."""
