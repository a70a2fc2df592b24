"""Share a part of the snapshot with a person: within their scope, as clear as they may see."""
