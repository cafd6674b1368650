"""The ports of `shared.ports` over Google's client libraries."""
