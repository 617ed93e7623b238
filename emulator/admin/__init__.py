"""What is Eventyard's own: `/_eventyard/...`, and LocalStack's names for the same (`/_localstack/...`, `/health`)."""
