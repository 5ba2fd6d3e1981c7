package lovely

// LiveHandles counts the native handles that are not freed; always 0 without the tag lovely_debug.
func LiveHandles() int64 { return liveHandles() }

// LimitPacked makes the largest value that is written smaller, until what it returns is called.
func LimitPacked(bytes int) func() {
	before := maxPacked
	maxPacked = bytes
	return func() { maxPacked = before }
}
