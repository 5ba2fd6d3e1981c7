package lovely

// #include "bridge.h"
import "C"

// Stats counts what a store did since it was opened in this process.
type Stats struct {
	Requests     uint64 // items that the store was asked to load, write or tell the version of
	Hits         uint64 // loads that found a record
	Misses       uint64 // loads that found none
	Writes       uint64 // records stored; renewals are not counted
	Conflicts    uint64 // writes not applied because another version stood there
	Merges       uint64 // sessions that a commit merged with another writer's
	Retries      uint64 // writes that a commit tried again
	Gone         uint64 // commits that found a session gone
	Unknown      uint64 // writes whose outcome stayed unknown
	Refused      uint64 // writes that the server refused
	Evictions    uint64 // records dropped for want of memory
	Expired      uint64 // records removed because their time was over
	BytesRead    uint64 // bytes of records loaded
	BytesWritten uint64 // bytes of records stored
	Items        uint64 // records stored now; memory:// only
	BytesStored  uint64 // bytes stored now, keys and overhead included; memory:// only
}

// Stats returns the store's counters, for all who have it open in this process together.
func (s *Store) Stats() (Stats, error) {
	var stats Stats
	err := s.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		for number, out := range map[C.int32_t]*uint64{
			C.LS_STAT_REQUESTS: &stats.Requests, C.LS_STAT_HITS: &stats.Hits, C.LS_STAT_MISSES: &stats.Misses,
			C.LS_STAT_WRITES: &stats.Writes, C.LS_STAT_CONFLICTS: &stats.Conflicts, C.LS_STAT_MERGES: &stats.Merges,
			C.LS_STAT_RETRIES: &stats.Retries, C.LS_STAT_GONE: &stats.Gone, C.LS_STAT_UNKNOWN: &stats.Unknown,
			C.LS_STAT_REFUSED: &stats.Refused, C.LS_STAT_EVICTIONS: &stats.Evictions,
			C.LS_STAT_EXPIRED: &stats.Expired, C.LS_STAT_BYTES_READ: &stats.BytesRead,
			C.LS_STAT_BYTES_WRITTEN: &stats.BytesWritten, C.LS_STAT_ITEMS: &stats.Items,
			C.LS_STAT_BYTES_STORED: &stats.BytesStored,
		} {
			var value C.uint64_t
			if rc := C.ls_store_stat(raw, number, &value, detail); rc != C.LS_OK {
				return rc
			}
			*out = uint64(value)
		}
		return C.LS_OK
	})
	return stats, err
}

// StatsText returns the store's counters for people, one in a line: name, space, count.
func (s *Store) StatsText() (string, error) {
	var text string
	err := s.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		var out *C.char
		var length C.size_t
		rc := C.ls_store_stats_text(raw, &out, &length, detail)
		text = C.GoStringN(out, C.int(length))
		C.ls_text_free(out)
		return rc
	})
	return text, err
}

// Version returns the version of the library that was loaded.
func Version() string { return C.GoString(C.ls_version()) }

// HeaderVersion is the version of the library's header that this package was built with. The package has the same version.
const HeaderVersion = C.LS_VERSION

// checkLibrary refuses a library that was loaded in the place of the one that this package was built with.
func checkLibrary() error {
	if loaded := C.ls_version_number(); loaded/1000 != C.LS_VERSION_NUMBER/1000 || loaded < C.LS_VERSION_NUMBER {
		return refused(ErrUnsupported, "the library is version %s, and the program was built for %s", Version(), HeaderVersion)
	}
	return nil
}
