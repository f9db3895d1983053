namespace Baton.Tests.Conformance;

/// <summary>CPython's <c>BaseFutureDoneCallbackTests</c>, as far as the tests of <see cref="Future"/> do not ask the same.</summary>
public class FutureDoneCallbackConformanceTests
{
    [Theory]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_callbacks_remove_first_callback")]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_callbacks_remove_first_and_second_callback")]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_callbacks_remove_third_callback")]
    [InlineData(new[] { 0, 0 }, new[] { 1, 2 })]
    [InlineData(new[] { 0, 1, 0 }, new[] { 2 })]
    [InlineData(new[] { 2, 2 }, new[] { 0, 1 })]
    public void What_is_removed_does_not_run_and_the_others_keep_their_order(int[] removals, int[] expected) => LoopTest.On(test =>
    {
        var log = new List<int>();
        var future = test.Loop.CreateFuture<string>();
        var callbacks = Enumerable.Range(0, 3).Select(i => (Action<Future>)(_ => log.Add(i))).ToArray();
        Array.ForEach(callbacks, future.AddDoneCallback);
        var removed = new HashSet<int>();
        foreach (var i in removals)
        {
            Assert.Equal(removed.Add(i) ? 1 : 0, future.RemoveDoneCallback(callbacks[i]));
        }

        future.SetResult("done");
        Assert.Empty(log);
        test.RunIterations(1);
        Assert.Equal(expected, log);
        Assert.Equal("done", future.GetResult());
    });

    [Fact]
    public void Callbacks_with_a_state_are_told_apart_by_it() => LoopTest.On(test =>
    {
        var log = new List<object?>();
        var future = test.Loop.CreateFuture();
        Action<Future, object?> callback = (_, state) => log.Add(state);
        future.AddDoneCallback(callback, 1);
        Assert.Equal(0, future.RemoveDoneCallback(callback, 2));
        future.AddDoneCallback(callback, 2);
        future.AddDoneCallback(callback, 1);
        future.AddDoneCallback(callback, null);
        Assert.Equal(2, future.RemoveDoneCallback(callback, 1));
        Assert.Equal(0, future.RemoveDoneCallback(callback, 1));
        future.SetResult();
        test.RunIterations(1);
        Assert.Equal([2, null], log);
    });

    [Theory]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_remove_done_callbacks_list_mutation")]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(64)]
    public void A_state_whose_Equals_removes_other_callbacks_does_no_harm(int count) => LoopTest.On(test =>
    {
        var log = new List<object?>();
        var future = test.Loop.CreateFuture();
        Action<Future, object?> callback = (_, state) => log.Add(state);
        Action<Future> others = _ => log.Add("other");
        var state = new State(() => future.RemoveDoneCallback(others), isEqual: true);
        for (var i = 0; i < count; i++)
        {
            future.AddDoneCallback(callback, i);
            future.AddDoneCallback(others);
        }

        future.AddDoneCallback(callback, state);
        future.AddDoneCallback(callback, "last");
        Assert.Equal(1, future.RemoveDoneCallback(callback, new Probe()));
        future.SetResult();
        test.RunIterations(1);
        Assert.Equal([.. Enumerable.Range(0, count).Cast<object?>(), "last"], log);
    });

    [Theory]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_remove_done_callbacks_list_clear")]
    [InlineData(1, true)]
    [InlineData(2, true)]
    [InlineData(64, true)]
    [InlineData(1, false)]
    [InlineData(2, false)]
    [InlineData(64, false)]
    public void A_state_whose_Equals_removes_itself_and_all_before_it_does_no_harm(int count, bool answer) => LoopTest.On(test =>
    {
        var log = new List<object?>();
        var future = test.Loop.CreateFuture();
        Action<Future, object?> callback = (_, state) => log.Add(state);
        var states = new List<State>();
        for (var i = 0; i < count; i++)
        {
            states.Add(new State(() => states.ForEach(state => future.RemoveDoneCallback(callback, state)), answer));
            future.AddDoneCallback(callback, states[i]);
        }

        future.AddDoneCallback(callback, "last");
        Assert.InRange(future.RemoveDoneCallback(callback, new Probe()), 0, answer ? count : 0);
        future.SetResult();
        test.RunIterations(1);
        Assert.Equal(["last"], log);
    });

    [Theory]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_use_after_free_on_fut_callback_0_with_evil__eq__")]
    [InlineData(true)]
    [InlineData(false)]
    public void An_only_callback_whose_state_removes_it_while_it_is_compared_is_removed_once(bool answer) => LoopTest.On(test =>
    {
        var removed = 0;
        var future = test.Loop.CreateFuture();
        Action<Future, object?> callback = (_, _) => Assert.Fail("It was removed.");
        State state = null!;
        state = new State(() => removed += future.RemoveDoneCallback(callback, state), answer);
        future.AddDoneCallback(callback, state);
        Assert.Equal(0, future.RemoveDoneCallback(callback, new Probe()));
        Assert.Equal(1, removed);
        Assert.Equal(0, future.RemoveDoneCallback(callback, state));
        future.SetResult();
        test.RunIterations(1);
    });

    [Theory]
    [CPython("test_futures.BaseFutureDoneCallbackTests.test_schedule_callbacks_list_mutation_2")]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(64, true)]
    [InlineData(64, false)]
    public void A_state_whose_Equals_adds_callbacks_loses_none_of_them(int count, bool answer) => LoopTest.On(test =>
    {
        var added = 0;
        var ran = 0;
        var future = test.Loop.CreateFuture();
        Action<Future, object?> callback = (_, _) => ran++;
        var states = new List<State>();
        for (var i = 0; i < count; i++)
        {
            states.Add(new State(() =>
            {
                if (added < 100)
                {
                    added++;
                    future.AddDoneCallback(callback, "added");
                }
            }, answer));
            future.AddDoneCallback(callback, states[i]);
        }

        Assert.Equal(answer ? count : 0, future.RemoveDoneCallback(callback, new Probe()));
        Assert.InRange(added, 1, 100);
        future.SetResult();
        test.RunIterations(1);
        Assert.Equal(added + (answer ? 0 : count), ran);
    });

    [Fact]
    public void A_removal_inside_a_removal_does_not_disturb_it() => LoopTest.On(test =>
    {
        var log = new List<object?>();
        var future = test.Loop.CreateFuture();
        Action<Future, object?> callback = (_, state) => log.Add(state);
        var removed = 0;
        var inner = new State(() => removed += future.RemoveDoneCallback(callback, "inner"), isEqual: true);
        foreach (var state in new object[] { "first", "inner", inner, "middle", new State(() => { }, isEqual: true), "inner", "last" })
        {
            future.AddDoneCallback(callback, state);
        }

        Assert.Equal(2, future.RemoveDoneCallback(callback, new Probe()));
        Assert.Equal(2, removed);
        future.SetResult();
        test.RunIterations(1);
        Assert.Equal(["first", "middle", "last"], log);
    });

    [Fact]
    public void A_state_whose_Equals_completes_the_future_does_no_harm() => LoopTest.On(test =>
    {
        var log = new List<object?>();
        var future = test.Loop.CreateFuture();
        Action<Future, object?> callback = (_, state) => log.Add(state);
        var state = new State(() => future.TrySetResult(), isEqual: true);
        future.AddDoneCallback(callback, "first");
        future.AddDoneCallback(callback, state);
        future.AddDoneCallback(callback, "last");
        Assert.Equal(0, future.RemoveDoneCallback(callback, new Probe()));
        test.RunIterations(1);
        Assert.Equal(["first", state, "last"], log);

        log.Clear();
        future = test.Loop.CreateFuture();
        future.AddDoneCallback(callback, state);
        Assert.Equal(0, future.RemoveDoneCallback(callback, new Probe()));
        test.RunIterations(1);
        Assert.Equal([state], log);
    });

    /// <summary>A state whose <c>Equals</c> does more than to compare, when it is asked about a <see cref="Probe"/>.</summary>
    private sealed class State(Action action, bool isEqual)
    {
        public override bool Equals(object? obj)
        {
            if (obj is not Probe)
            {
                return ReferenceEquals(this, obj);
            }

            action();
            return isEqual;
        }

        public override int GetHashCode() => 0;
    }

    /// <summary>What is looked for.</summary>
    private sealed class Probe;
}
