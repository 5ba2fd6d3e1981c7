package lovely

// LiveHandles counts the native handles that are not freed; always 0 without the tag lovely_debug.
func LiveHandles() int64 { return liveHandles() }
