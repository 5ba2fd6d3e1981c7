package lovely

// #include "bridge.h"
import "C"

import "time"

// Stats counts what a store, or one of its servers, did since the store was opened in this process.
type Stats struct {
	Requests          uint64 // items that the store was asked to load, write or tell the version of
	Hits              uint64 // loads that found a record
	Misses            uint64 // loads that found none
	Writes            uint64 // records stored; renewals are not counted
	Conflicts         uint64 // writes not applied because another version stood there
	Merges            uint64 // sessions that a commit merged with another writer's
	Retries           uint64 // writes that a commit tried again
	Gone              uint64 // commits that found a session gone
	Unknown           uint64 // writes whose outcome stayed unknown
	Refused           uint64 // writes that the server refused
	Evictions         uint64 // records dropped for want of memory
	Expired           uint64 // records removed because their time was over
	BytesRead         uint64 // bytes of records loaded
	BytesWritten      uint64 // bytes of records stored
	Items             uint64 // records stored now; memory:// only
	BytesStored       uint64 // bytes stored now, keys and overhead included; memory:// only
	Connections       uint64 // connections made
	ConnectionsOpen   uint64 // connections that are open now
	ConnectionsFailed uint64 // tries to connect that failed
	Timeouts          uint64 // exchanges and tries to connect whose time was over
	SetAside          uint64 // times that a server was set aside because it failed
	Exchanges         uint64 // exchanges that were answered

	// How long half, 90 %, 99 % and 99.9 % of the exchanges took at most, and the longest one.
	P50, P90, P99, P999, Max time.Duration
}

// read fills in the counters, each of which a call tells.
func (s *Stats) read(tell func(number C.int32_t, out *C.uint64_t) C.int32_t) C.int32_t {
	counts := [...]*uint64{
		C.LS_STAT_REQUESTS: &s.Requests, C.LS_STAT_HITS: &s.Hits, C.LS_STAT_MISSES: &s.Misses, C.LS_STAT_WRITES: &s.Writes,
		C.LS_STAT_CONFLICTS: &s.Conflicts, C.LS_STAT_MERGES: &s.Merges, C.LS_STAT_RETRIES: &s.Retries, C.LS_STAT_GONE: &s.Gone,
		C.LS_STAT_UNKNOWN: &s.Unknown, C.LS_STAT_REFUSED: &s.Refused, C.LS_STAT_EVICTIONS: &s.Evictions,
		C.LS_STAT_EXPIRED: &s.Expired, C.LS_STAT_BYTES_READ: &s.BytesRead, C.LS_STAT_BYTES_WRITTEN: &s.BytesWritten,
		C.LS_STAT_ITEMS: &s.Items, C.LS_STAT_BYTES_STORED: &s.BytesStored, C.LS_STAT_CONNECTIONS: &s.Connections,
		C.LS_STAT_CONNECTIONS_OPEN: &s.ConnectionsOpen, C.LS_STAT_CONNECTIONS_FAILED: &s.ConnectionsFailed,
		C.LS_STAT_TIMEOUTS: &s.Timeouts, C.LS_STAT_SET_ASIDE: &s.SetAside, C.LS_STAT_EXCHANGES: &s.Exchanges,
	}
	times := [...]*time.Duration{
		C.LS_STAT_LATENCY_P50: &s.P50, C.LS_STAT_LATENCY_P90: &s.P90, C.LS_STAT_LATENCY_P99: &s.P99,
		C.LS_STAT_LATENCY_P999: &s.P999, C.LS_STAT_LATENCY_MAX: &s.Max,
	}
	for number := range max(len(counts), len(times)) {
		var value C.uint64_t
		isCount, isTime := number < len(counts) && counts[number] != nil, number < len(times) && times[number] != nil
		if !isCount && !isTime {
			continue
		}
		if rc := tell(C.int32_t(number), &value); rc != C.LS_OK {
			return rc
		}
		if isCount {
			*counts[number] = uint64(value)
		} else {
			*times[number] = time.Duration(value)
		}
	}
	return C.LS_OK
}

// Stats returns the store's counters, for all who have it open in this process, and all its servers, together.
func (s *Store) Stats() (Stats, error) {
	var stats Stats
	err := s.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		return stats.read(func(number C.int32_t, out *C.uint64_t) C.int32_t {
			return C.ls_store_stat(raw, number, out, detail)
		})
	})
	return stats, err
}

// ServerStats has the counters of one server.
type ServerStats struct {
	// Name is its host and port, or the path of its socket, as errors and the log name it.
	Name string
	Stats
}

// Servers returns the counters of each server of the store, in the order of their addresses; none for a store in memory.
func (s *Store) Servers() ([]ServerStats, error) {
	var servers []ServerStats
	err := s.do(func(raw *C.ls_store, detail *C.ls_error) C.int32_t {
		for index := range C.ls_store_server_count(raw) {
			var (
				name   *C.char
				server ServerStats
			)
			if rc := C.ls_store_server_name(raw, index, &name, nil, detail); rc != C.LS_OK {
				return rc
			}
			server.Name = C.GoString(name)
			rc := server.read(func(number C.int32_t, out *C.uint64_t) C.int32_t {
				return C.ls_store_server_stat(raw, index, number, out, detail)
			})
			if rc != C.LS_OK {
				return rc
			}
			servers = append(servers, server)
		}
		return C.LS_OK
	})
	return servers, err
}

// StatsText returns the counters of the store, and of each server, for people; it may grow.
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
