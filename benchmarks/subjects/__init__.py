"""One module or package for each thing that is measured."""
