"""The description of what machines may ask here, in the words of OpenAPI 3.1, at ``/openapi.json``."""
