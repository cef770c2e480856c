"""One module or package for each subject that is measured."""
