"""What network models share to repair what their way of spreading missed: questions that each peer may ask at a bounded
rate, that wait for an answer for a bounded time, and among them the pull of blocks and transactions (`pulls`).

Whom to ask and how often is each model's choice.
"""
