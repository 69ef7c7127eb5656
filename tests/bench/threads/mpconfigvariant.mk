# Nothing but the header.
