using EveStorage.Cli.Api;
using EveStorage.Host.Operations;
using Microsoft.Extensions.Time.Testing;

namespace EveStorage.Tests;

/// <summary>How fast an operation says that it is.</summary>
public sealed class RunningOperationTests
{
    private readonly FakeTimeProvider _time = new();

    [Fact]
    public void The_rate_is_of_the_step_that_runs_and_there_is_one_from_its_first_word_on()
    {
        using RunningOperation operation = new(DocumentOf(copied: null), null!, _time);

        _time.Advance(TimeSpan.FromSeconds(1));
        operation.Report(new("fill it", ByteSize.MiB(10), ByteSize.MiB(100)));
        ByteSize first = operation.Current.Progress!.BytesPerSecond;
        _time.Advance(TimeSpan.FromSeconds(1));
        operation.Report(new("compare it", ByteSize.MiB(40), ByteSize.MiB(100)));

        first.ShouldBe(ByteSize.MiB(10));
        operation.Current.Progress!.BytesPerSecond.ShouldBe(ByteSize.MiB(40));
    }

    [Fact]
    public void What_an_import_goes_on_with_was_copied_before_and_is_no_speed_of_it()
    {
        using RunningOperation operation = new(DocumentOf(copied: ByteSize.MiB(90)), null!, _time);

        _time.Advance(TimeSpan.FromSeconds(2));
        operation.Report(new("fill it", ByteSize.MiB(94), ByteSize.MiB(100)));

        operation.Current.Progress!.BytesPerSecond.ShouldBe(ByteSize.MiB(2));
    }

    private OperationDocument DocumentOf(ByteSize? copied) => new()
    {
        Ids = new Dictionary<string, Guid>(),
        Copied = copied is ByteSize bytes ? new() { Source = "s", Copied = bytes } : null,
        Operation = new() { Id = Guid.NewGuid(), Request = TestEngine.Import("vm1"), UserId = 0, Started = _time.GetUtcNow(), State = OperationState.Running, Steps = [] },
    };
}
