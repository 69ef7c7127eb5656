# Nothing here departs from the port's defaults.
