package main

import (
	"bytes"
	"encoding/json"
	"html/template"
	"net/http"
	"time"

	lovely "lovely.session/go"
	"lovely.session/go/middleware"
)

var frontPage = template.Must(template.New("front").Parse(`<!doctype html>
<title>Shop</title>
<h1>Hello, {{if .User}}{{.User}}{{else}}guest{{end}}</h1>
<ul>
{{range $item, $count := .Cart}}<li>{{$count}} {{$item}}
{{end}}</ul>
<form method=post action=/cart><input name=item> <button>Add to cart</button></form>
{{if .User}}<form method=post action=/signout><button>Sign out</button></form>
{{else}}<form method=post action=/signin><input name=user> <button>Sign in</button></form>
{{end}}`))

var adminPage = template.Must(template.New("admin").Parse(`<!doctype html>
<title>Shop: administration</title>
<h1>This session</h1>
<p>Created {{.Created}}, last used {{.Accessed}}.
<pre>{{.Content}}</pre>
<h1>The store</h1>
<pre>{{.Stats}}</pre>
`))

func front(w http.ResponseWriter, r *http.Request) error {
	seen, err := look(r)
	if err != nil {
		return err
	}
	return show(w, frontPage, seen)
}

// admin shows what can be known: one's own session, and how the store does. Memcached does not tell who else has a session,
// and the keys there are digests of the ids.
func admin(store *lovely.Store, w http.ResponseWriter, r *http.Request) error {
	seen, err := look(r)
	if err != nil {
		return err
	}
	if seen.User == nil || *seen.User != "admin" {
		return errForbidden
	}
	session, err := middleware.Get(r).Peek()
	if err != nil {
		return err
	}
	var about struct{ Created, Accessed, Content, Stats string }
	created, err := session.Created()
	if err != nil {
		return err
	}
	accessed, err := session.Accessed()
	if err != nil {
		return err
	}
	content, err := session.Content()
	if err != nil {
		return err
	}
	text, err := json.MarshalIndent(content, "", "  ")
	if err != nil {
		return err
	}
	if about.Stats, err = store.StatsText(); err != nil {
		return err
	}
	about.Created, about.Accessed = created.UTC().Format(time.RFC1123), accessed.UTC().Format(time.RFC1123)
	about.Content = string(text)
	return show(w, adminPage, about)
}

// show makes the whole page first, so that one that fails is not half of one.
func show(w http.ResponseWriter, page *template.Template, data any) error {
	var body bytes.Buffer
	if err := page.Execute(&body, data); err != nil {
		return err
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := body.WriteTo(w)
	return err
}
