using EveStorage.Conformance;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>The kit itself: a transport that keeps its promises passes, and each that breaks one fails by that name.</summary>
public sealed class TransportConformanceTests
{
    [Fact]
    public async Task A_transport_that_keeps_its_promises_passes() => (await FailuresAsync(Broken.Nothing)).ShouldBeEmpty();

    [Fact]
    public async Task One_that_lets_everyone_in_fails_by_name()
        => (await FailuresAsync(Broken.LetsEveryoneIn)).ShouldBe(
        [
            "A host that is not named is refused",
            "An export that names nobody is closed to everybody",
            "Two exports of one subsystem are seen each by its own hosts",
            "A host that is taken off the list reads no more",
        ]);

    [Fact]
    public async Task One_that_writes_what_is_read_only_fails_by_name()
        => (await FailuresAsync(Broken.WritesReadOnly)).ShouldBe(["A read-only export gives what is there and refuses writes"]);

    [Fact]
    public async Task One_that_invents_ids_fails_by_name()
        => (await FailuresAsync(Broken.InventsIds)).ShouldBe(["A host knows a volume by the volume's id, also when its export ended and came back"]);

    [Fact]
    public async Task One_that_reverts_what_another_operation_did_fails_by_name()
        => (await FailuresAsync(Broken.RevertsTheOther)).ShouldBe(["An export that is reverted leaves what another operation exported"]);

    private static async Task<List<string>> FailuresAsync(Broken broken)
    {
        List<string> failures = [];
        foreach (TransportCase promise in TransportConformance.Cases)
        {
            MemoryTransport transport = new(broken);
            TransportBench bench = new()
            {
                Transport = transport,
                Run = RunningPlans.RunAsync,
                MakeVolumeAsync = static (size, _) => new(new MemoryVolume(size)),
                ConnectAsync = transport.ConnectAsync,
            };
            try
            {
                await promise.CheckAsync(bench, CancellationToken.None);
            }
            catch (ConformanceException)
            {
                failures.Add(promise.Name);
            }
        }

        return failures;
    }
}
