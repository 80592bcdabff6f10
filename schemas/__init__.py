"""The contract: events, topics, documents, problems and settings. Pure data; imports nothing of ours."""
