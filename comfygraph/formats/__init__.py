"""File formats: API JSON, the editor's JSON, pictures that carry either, Python source."""
