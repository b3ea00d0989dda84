using EveStorage.Host.Daemon;

namespace EveStorage.Tests;

public sealed class MemoryAtRestTests
{
    private long _allocated = 20 << 20;
    private TimeSpan _used;
    private long _held = 80 << 20;
    private int _collected;

    [Fact]
    public void It_is_given_back_once_after_work_and_not_while_that_goes_on()
    {
        using MemoryAtRest memory = Make();

        memory.Look();
        _collected.ShouldBe(0, "it was just used");
        memory.Look();
        _collected.ShouldBe(1);
        memory.Look();
        memory.Look();
        _collected.ShouldBe(1, "nothing was used since");
        Use(memory, 8 << 20);
        _collected.ShouldBe(1, "work goes on");
        Use(memory, 100 << 10);
        _collected.ShouldBe(2);
    }

    [Fact]
    public void A_start_is_work_however_little_memory_it_took()
    {
        (_allocated, _used) = (2 << 20, MemoryAtRest.Interval / 50);
        using MemoryAtRest memory = Make();

        memory.Look();
        memory.Look();

        _collected.ShouldBe(1);
    }

    [Fact]
    public void What_watches_use_adds_up_before_it_counts_as_work()
    {
        using MemoryAtRest memory = Make();
        memory.Look();
        memory.Look();

        for (int look = 0; look < 50; look++)
        {
            Use(memory, 100 << 10);
        }

        _collected.ShouldBe(2, "once for the start, and once for 4 MiB");
    }

    [Fact]
    public void Nobody_is_stopped_while_guests_read_and_write_which_takes_a_processor_and_hardly_any_memory()
    {
        using MemoryAtRest memory = Make();
        memory.Look();

        for (int look = 0; look < 50; look++)
        {
            _used += MemoryAtRest.Interval / 2;
            Use(memory, 100 << 10);
        }

        _collected.ShouldBe(0);
        Use(memory, 100 << 10);
        _collected.ShouldBe(1, "they are done");
    }

    [Fact]
    public void Libraries_that_answers_touched_are_given_back_though_those_took_little_memory()
    {
        using MemoryAtRest memory = Make();
        memory.Look();
        memory.Look();

        _held += 10 << 20;
        _used += MemoryAtRest.Interval / 100;
        memory.Look();

        _collected.ShouldBe(2);
    }

    [Fact]
    public void What_comes_back_without_work_stays()
    {
        using MemoryAtRest memory = Make();
        memory.Look();
        memory.Look();

        _held += 10 << 20;
        memory.Look();

        _collected.ShouldBe(1);
    }

    private MemoryAtRest Make() => new(TimeProvider.System, () => _allocated, () => _used, () => _held, () => _collected++);

    private void Use(MemoryAtRest memory, long bytes)
    {
        _allocated += bytes;
        memory.Look();
    }
}
