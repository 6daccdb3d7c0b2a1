"""One scenario at many settings and seeds: the list of runs, who runs them, and the journal that makes it resumable."""
