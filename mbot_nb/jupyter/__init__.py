"""What runs inside a Jupyter kernel needs: cells, hints, progress bars, and repairs of
ipykernel."""
