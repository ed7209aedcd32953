"""The chatbot's door: booking by conversation, as tools of the Model Context Protocol."""
