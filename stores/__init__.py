"""What lasts: documents in MongoDB, objects in S3, facts in Kafka's log. Errors of their clients end here."""
