"""Judge: who sent this, and is it intact?"""
