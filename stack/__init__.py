"""Private PostgreSQL, Redis and RabbitMQ servers for `./run` and for the tests."""
