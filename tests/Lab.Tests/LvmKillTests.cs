using EveStorage.PowerTrial;
using EveStorage.Testing;

namespace EveStorage.Tests;

/// <summary>
/// A machine whose power goes while its host imports, creates, writes, snapshots, clones, rolls back, grows and deletes on a pool of
/// two drives: QEMU is killed, and another guest gets the drives. What a drive's volatile cache loses is for LvmPowerLossTests.
/// </summary>
public sealed class LvmKillTests(ITestOutputHelper output)
{
    private const int Kills = 20;

    [Fact]
    public async Task However_often_the_power_goes_all_that_was_acknowledged_is_there_and_nothing_half_made()
    {
        Guest.RequireLong();
        Guest.Require();
        int seed = int.TryParse(Environment.GetEnvironmentVariable("EVESTORAGE_SEED"), out int asked) ? asked : Random.Shared.Next();
        output.WriteLine($"EVESTORAGE_SEED={seed}");
        using PowerCutMachine machine = new(new LvmPowerCutPool(), seed, output);
        for (int kill = 1; kill <= Kills; kill++)
        {
            await machine.RunUntilKilledAsync($"cut {kill} of {Kills}");
        }

        await machine.InspectAsync();
    }
}
