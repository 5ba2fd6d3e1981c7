package lovely_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"time"

	lovely "lovely.session/go"
)

// A visitor puts something into the cart.
func Example() {
	store, err := lovely.Open("memory://shop")
	if err != nil {
		log.Fatal(err)
	}
	defer store.Close()
	visitors, err := store.Container("visitors", lovely.WithTimeout(30*time.Minute))
	if err != nil {
		log.Fatal(err)
	}

	err = store.Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(visitors, "id from the cookie")
		if err != nil {
			return err
		}
		items, err := session.Pkg("cart").Add("items", 1)
		if err != nil {
			return err
		}
		fmt.Println("items in the cart:", items)
		return nil
	})
	if err != nil {
		log.Fatal(err)
	}
	// Output: items in the cart: 1
}

// Something that may go wrong is tried after a savepoint.
func ExampleTxn_Savepoint() {
	store, visitors := exampleStore("savepoint")
	defer store.Close()
	err := store.Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(visitors, "a")
		if err != nil {
			return err
		}
		order := session.Pkg("order")
		if err := order.SetString("state", "open"); err != nil {
			return err
		}
		mark, err := txn.Savepoint()
		if err != nil {
			return err
		}
		if err := order.SetString("state", "paid"); err != nil {
			return err
		}
		if err := txn.Rollback(mark); err != nil {
			return err
		}
		state, err := order.String("state")
		fmt.Println(state, err)
		return err
	})
	fmt.Println(err)
	// Output:
	// open <nil>
	// <nil>
}

// A transaction with its end in the hands of the caller, and the same key changed by two.
func ExampleStore_Begin() {
	store, visitors := exampleStore("begin")
	defer store.Close()
	ctx := context.Background()
	name := func(name string) error {
		txn, err := store.Begin(ctx)
		if err != nil {
			return err
		}
		defer txn.Abort()
		session, err := txn.Session(visitors, "a")
		if err != nil {
			return err
		}
		if err := session.Pkg("user").SetString("name", name); err != nil {
			return err
		}
		if name == "Ann" {
			fmt.Println("meanwhile:", exampleName(store, visitors, "Bob"))
		}
		return txn.Commit()
	}
	err := name("Ann")
	fmt.Println(errors.Is(err, lovely.ErrConflict), lovely.IsRetryable(err))
	// Output:
	// meanwhile: <nil>
	// true true
}

// A struct is a package, or a value.
func ExamplePkg_Load() {
	type line struct {
		Product string `lovely:"product"`
		Count   int    `lovely:"count"`
	}
	type cart struct {
		Currency string          `lovely:"currency"`
		Lines    map[string]line `lovely:"lines"`
	}
	store, visitors := exampleStore("structs")
	defer store.Close()
	err := store.Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(visitors, "a")
		if err != nil {
			return err
		}
		pkg := session.Pkg("cart")
		if err := pkg.Update(cart{"EUR", map[string]line{"1": {"teapot", 2}}}); err != nil {
			return err
		}
		var read cart
		if err := pkg.Load(&read); err != nil {
			return err
		}
		lines, err := lovely.Get[map[string]line](pkg, "lines")
		fmt.Println(read, lines["1"].Product)
		return err
	})
	fmt.Println(err)
	// Output:
	// {EUR map[1:{teapot 2}]} teapot
	// <nil>
}

// The keys of a package come sorted.
func ExamplePkg_All() {
	store, visitors := exampleStore("all")
	defer store.Close()
	err := store.Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(visitors, "a")
		if err != nil {
			return err
		}
		pkg := session.Pkg("cart")
		if err := pkg.Update(map[string]any{"teapot": 1, "cup": 6, "note": nil}); err != nil {
			return err
		}
		all, err := pkg.All()
		if err != nil {
			return err
		}
		for key, value := range all {
			fmt.Println(key, value)
		}
		return nil
	})
	fmt.Println(err)
	// Output:
	// cup 6
	// note <nil>
	// teapot 1
	// <nil>
}

// At sign-in the session gets a new id, for the cookie.
func ExampleSession_Renew() {
	store, visitors := exampleStore("renew")
	defer store.Close()
	err := store.Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(visitors, "from before")
		if err != nil {
			return err
		}
		if err := session.Pkg("user").SetString("name", "ann"); err != nil {
			return err
		}
		if err := session.Renew(); err != nil {
			return err
		}
		id, err := session.ID()
		fmt.Println(len(id), id != "from before")
		return err
	})
	fmt.Println(err)
	// Output:
	// 32 true
	// <nil>
}

func exampleStore(name string) (*lovely.Store, *lovely.Container) {
	store, err := lovely.Open("memory://example-" + name)
	if err != nil {
		log.Fatal(err)
	}
	visitors, err := store.Container("visitors")
	if err != nil {
		log.Fatal(err)
	}
	return store, visitors
}

func exampleName(store *lovely.Store, visitors *lovely.Container, name string) error {
	return store.Update(context.Background(), func(txn *lovely.Txn) error {
		session, err := txn.Session(visitors, "a")
		if err != nil {
			return err
		}
		return session.Pkg("user").SetString("name", name)
	})
}
