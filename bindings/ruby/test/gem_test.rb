# frozen_string_literal: true

require "helper"
require "open3"
require "rbconfig"
require "tmpdir"

# The gem as it is shipped: built, installed into a place of its own, loaded from there.
class GemTest < Minitest::Test
  HERE = File.join(ROOT, "bindings/ruby")

  def run_in(dir, env, *command)
    out, status = Open3.capture2e(env, *command, chdir: dir)
    assert_predicate status, :success?, out
    out
  end

  def test_builds_installs_and_loads
    Dir.mktmpdir do |home|
      built = File.join(home, "lovely-session.gem")
      run_in(HERE, {}, "gem", "build", "lovely-session.gemspec", "--output", built)
      # Its dependencies are Debian's packages here.
      run_in(home, {}, "gem", "install", "--local", "--ignore-dependencies", "--no-document", "--install-dir", home, built)
      env = { "GEM_HOME" => home, "LOVELY_SESSION_LIB" => File.join(ROOT, "build/lib/liblovely_session.so.0") }
      script = <<~RUBY
        gem "lovely-session", "= #{Lovely::VERSION}"
        require "lovely/session"
        require "rack/session/lovely"
        abort $LOADED_FEATURES.grep(/lovely/).to_s unless $LOADED_FEATURES.grep(%r{lovely/session}).all? { |it| it.start_with?("#{home}") }
        Lovely::Store.open("memory://gem").transaction { |tx| puts tx.state }
      RUBY
      assert_equal "active\n", run_in(home, env, RbConfig.ruby, "-e", script)
    end
  end

  def test_the_library_is_looked_for_where_the_environment_says
    code = %(begin; require "lovely/session"; rescue LoadError => e; puts e.message; end)
    env = { "LOVELY_SESSION_LIB" => "/nowhere/liblovely.so" }
    assert_match "/nowhere/liblovely.so", run_in(HERE, env, RbConfig.ruby, "-Ilib", "-e", code)
    env = { "LOVELY_SESSION_LIB" => File.join(ROOT, "build/lib/liblovely_session.so.0") }
    assert_empty run_in(HERE, env, RbConfig.ruby, "-w", "-Ilib", "-e", %(require "lovely/session"))
  end

  def test_every_file_is_shipped
    shipped = Gem::Specification.load(File.join(HERE, "lovely-session.gemspec")).files
    assert_empty Dir.chdir(HERE) { Dir["lib/**/*"].select { |it| File.file?(it) } } - shipped
  end

  def test_rubocop_finds_nothing
    run_in(HERE, {}, "rubocop", "--cache", "false", "--format", "simple", "--config", ".rubocop.yml",
           ".", "../../examples/rack_shop.ru")
  end

  def test_everything_public_is_documented
    Dir.mktmpdir do |dir|
      out = run_in(HERE, {}, "yard", "stats", "--list-undoc", "--db", dir, "--no-cache", "--hide-api", "private")
      assert_match(/100\.00% documented/, out)
      refute_match(/\[warn\]/, out)
    end
  end

  # The README's programs are run as they stand.
  def test_the_programs_of_the_readme_run
    code = File.read(File.join(HERE, "README.md"))[%r{^require "lovely/session"$.*?(?=^```)}m]
    code = code.sub("memcached://127.0.0.1", "memory://readme")
    prelude = %(id = "id"; def gifts? = true\n)
    check = %(\nstore.transaction { |tx| p tx.session(visitors, id).to_h }\n)
    assert_equal %({"cart"=>{"gift"=>{"wrap"=>true}, "items"=>2, "user"=>"ann"}}\n),
                 run_in(HERE, {}, RbConfig.ruby, "-w", "-Ilib", "-e", prelude + code + check)
  end
end
