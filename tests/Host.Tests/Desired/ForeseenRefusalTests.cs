using System.Reflection;
using EveStorage.Cli.Api;
using EveStorage.Host.Desired;

namespace EveStorage.Tests;

/// <summary>What is told in advance of changes that would be refused, and what is left to their turn.</summary>
public sealed class ForeseenRefusalTests
{
    [Theory]
    [InlineData(StorageErrorKind.Conflict)]
    [InlineData(StorageErrorKind.Busy)]
    [InlineData(StorageErrorKind.NotFound)]
    [InlineData(StorageErrorKind.Unavailable)]
    public async Task What_is_refused_for_what_is_here_is_judged_at_its_turn_where_a_change_before_it_may_make_it_otherwise(StorageErrorKind kind)
    {
        (Difference after, _) = await JudgeAsync([Make("a"), Make("b")], request => request.Subject == "data/b" ? kind : null);
        (Difference alone, _) = await JudgeAsync([Make("b")], _ => kind);
        (Difference afterRefused, _) = await JudgeAsync([Make("a"), Make("b")], request => request.Subject == "data/b" ? kind : StorageErrorKind.NotSupported);

        after.Changes.ShouldAllBe(change => change.Refusal == null);
        alone.Changes.ShouldHaveSingleItem().Refusal!.Kind.ShouldBe(kind);
        afterRefused.Changes[1].Refusal!.Kind.ShouldBe(kind);
    }

    [Theory]
    [InlineData(StorageErrorKind.InvalidConfiguration)]
    [InlineData(StorageErrorKind.NotSupported)]
    public async Task What_is_refused_whatever_is_here_is_told_in_advance_after_other_changes_too(StorageErrorKind kind)
    {
        (Difference judged, _) = await JudgeAsync([Make("a"), Make("b")], request => request.Subject == "data/b" ? kind : null);

        judged.Changes.Select(change => change.Refusal?.Kind).ShouldBe([null, kind]);
    }

    [Fact]
    public async Task A_place_that_an_earlier_change_of_the_file_frees_is_no_refusal_and_the_file_is_made_so()
    {
        await using FileSystemHost host = new();
        await host.StartAsync();
        await host.DoAsync(new CreatePool { Pool = new("data") }, new CreateFileSystem { Pool = new("data"), Volume = new("a"), Size = ByteSize.MiB(32), At = "x" });
        DesiredState state = DesiredReader.Read("""{ "fileSystems": { "data/a": { "size": "32MiB", "at": "y" }, "data/b": { "size": "32MiB", "at": "x" } } }"""u8.ToArray(), new());

        Difference found = await new ForeseenRefusals(host.Api, new([])).FindAsync(await Difference.FindAsync(host.Api, state, default), () => Difference.FindAsync(host.Api, state, default), default);
        DesiredReport report = await new DesiredRun(host.Api, new([]), (request, _, _) => host.RunAsync(request)).RunAsync(state, found, _ => { }, default);

        found.Changes.Select(change => change.Refusal).ShouldBe([null, null]);
        report.Error.ShouldBeNull();
    }

    [Fact]
    public async Task A_second_look_asks_again_for_the_plans_of_what_was_refused_alone()
    {
        (Difference judged, List<string> asked) = await JudgeAsync([Make("a"), Make("b"), Make("c")], request => request.Subject == "data/a" ? StorageErrorKind.Busy : null);

        judged.Changes[0].Refusal!.Kind.ShouldBe(StorageErrorKind.Busy);
        asked.ShouldBe(["data/a", "data/b", "data/c", "data/a"]);
    }

    [Fact]
    public async Task Of_many_changes_each_plan_is_asked_for_once()
    {
        string[] names = [.. Enumerable.Range(0, 2_000).Select(number => $"v{number}")];

        (_, List<string> asked) = await JudgeAsync([.. names.Select(Make)], _ => null);

        asked.ShouldBe(names.Select(name => $"data/{name}"));
    }

    private static DesiredChange Make(string name) => new() { Subject = $"data/{name}", Does = "make it", Request = TestEngine.Create(name) };

    private static async Task<(Difference Judged, List<string> Asked)> JudgeAsync(DesiredChange[] changes, Func<ChangeRequest, StorageErrorKind?> refuses)
    {
        IStorageApi api = DispatchProxy.Create<IStorageApi, Planner>();
        Planner planner = (Planner)(object)api;
        planner.Refuses = refuses;
        Difference difference = new(changes, 0);
        return (await new ForeseenRefusals(api, new([])).FindAsync(difference, () => Task.FromResult(difference), default), planner.Asked);
    }

    /// <summary>A host that plans, and does nothing else.</summary>
    internal class Planner : DispatchProxy
    {
        internal List<string> Asked { get; } = [];

        internal Func<ChangeRequest, StorageErrorKind?> Refuses { get; set; } = _ => null;

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            targetMethod!.Name.ShouldBe(nameof(IStorageApi.PlanAsync));
            ChangeRequest request = (ChangeRequest)args![0]!;
            Asked.Add(request.Subject);
            return Refuses(request) is StorageErrorKind kind
                ? Task.FromException<PlanReport>(new StorageException(kind, request.Subject, "is refused"))
                : Task.FromResult(new PlanReport(request, []));
        }
    }
}
