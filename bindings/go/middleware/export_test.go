package middleware

import "time"

// SetClock makes a manager count the MaxAge of its cookies by another clock.
func SetClock(m *Manager, now func() time.Time) { m.now = now }
