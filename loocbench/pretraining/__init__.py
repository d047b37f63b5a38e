"""The objective, queues, momentum encoder, schedules and the loop."""
