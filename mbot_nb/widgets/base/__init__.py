"""What all live widgets are made of.

Modules:

    live_widget    a widget that follows one client: values to the page, views that come and go
    stop_control   what a Stop on a page does, how long it took, and whether it is heard
    rerun          ends the widgets of a cell's earlier run
    send_budget    how many messages a second the widgets of one notebook may send
    bundle         joins a widget's modules in static/ into the one text that a page gets
"""
