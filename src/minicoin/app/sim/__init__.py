"""What `minicoin sim` does: loaded when it is asked for, since arrays, tables and plots take a second to import."""
