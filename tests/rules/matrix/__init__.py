"""The deny matrix: tables of role × operation × field, and the desks that try them for real."""
