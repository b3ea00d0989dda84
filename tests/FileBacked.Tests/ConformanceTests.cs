using EveStorage.Conformance;

namespace EveStorage.Tests;

public class ConformanceTests
{
    public static TheoryData<string> Promises => [.. PoolConformance.Cases.Select(c => c.Name)];

    [Theory]
    [MemberData(nameof(Promises))]
    public async Task On_the_file_system_of_temporary_files(string promise) => await KeepsAsync(promise, null);

    [Theory]
    [MemberData(nameof(Promises))]
    public async Task On_tmpfs(string promise) => await KeepsAsync(promise, "/dev/shm");

    internal static async Task KeepsAsync(string promise, string? below)
    {
        await using PoolOnDisk made = await PoolOnDisk.MakeAsync(below);
        ConformanceCase keeps = PoolConformance.Cases.Single(c => c.Name == promise);
        if (keeps.AppliesTo(made.Pool.Capabilities))
        {
            await keeps.CheckAsync(made.Pool, Run.AsHostAsync, CancellationToken.None);
        }
    }
}
