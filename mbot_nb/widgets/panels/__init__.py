"""The cockpit and the panels in it: forms, tables and logs.

Modules:

    cockpit         everything on one screen
    connect         connect and disconnect by clicking
    command         a form for every command
    command_forms   the forms, made from the types of the commands' parameters
    subscribe       choose events, count them, look into them
    stats           round trips and traffic in numbers
"""
