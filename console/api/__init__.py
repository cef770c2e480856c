"""The API for programs, `/api/v1`: a module for each resource, and one for the document that describes them all."""
