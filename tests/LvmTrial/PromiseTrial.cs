using EveStorage.Conformance;
using EveStorage.Lvm;

namespace EveStorage.LvmTrial;

/// <summary>
/// The conformance kit on a pool: <c>promises KIND DRIVE...</c>, where the kind is thin, thick, mirror, thick-mirror, parity. With the
/// variable PROMISE only those are run whose name has that word, to look at one of them.
/// </summary>
internal static class PromiseTrial
{
    private static readonly string s_word = Environment.GetEnvironmentVariable("PROMISE") ?? "";

    internal static async Task RunAsync(Sentences said, string kind, string[] drives)
    {
        PoolRedundancy redundancy = kind switch { "mirror" or "thick-mirror" => PoolRedundancy.Mirror, "parity" => PoolRedundancy.Parity, _ => PoolRedundancy.None };
        LvmOptions options = new() { Provisioning = kind.StartsWith("thick", StringComparison.Ordinal) ? LvmProvisioning.Thick : LvmProvisioning.Thin, MaxVolumes = 16 };
        Machine machine = new($"p-{kind.Replace('-', '.')}", options, drives);
        await said.SayAsync("The backend can be used here", async () =>
        {
            ProbeResult probe = await machine.Backend.ProbeAsync(default);
            Sentences.Require(probe.Capabilities is not null, string.Join("; ", probe.Missing));
        });
        await said.SayAsync($"A {kind} pool is made of drives by their serial numbers", async () => await machine.CreateAsync(redundancy));
        await said.SayAsync("Making it again is already so", async () =>
        {
            PoolSpec spec = new() { Name = machine.Name, Devices = drives, Redundancy = redundancy };
            Plan again = await machine.Backend.PlanCreatePoolAsync(spec, default);
            Sentences.Require(again.Steps.All(step => step.Expected == StepEffect.AlreadySo), "a step is expected to change");
        });
        await using (IStoragePool pool = await machine.OpenAsync())
        {
            foreach (ConformanceCase promise in PoolConformance.Cases.Where(promise => promise.AppliesTo(pool)).Append(Foreign(machine))
                .Where(promise => promise.Name.Contains(s_word, StringComparison.OrdinalIgnoreCase)))
            {
                await said.SayAsync(promise.Name, () => promise.CheckAsync(pool, Machine.RunAsync, default));
                await said.SayAsync("... and what it made can be deleted", () => TrialMachine.EmptyAsync(pool));
            }
        }

        await said.SayAsync("A pool that is closed leaves no device, and opens again", async () =>
        {
            await Machine.RunAsync(machine.Backend.PlanClosePoolAsync(machine.Name, default));
            Sentences.Require((await Machine.ShellAsync($"dmsetup ls | grep -c p--{kind.Replace('-', '.')} || true")).Trim() == "0", "there are devices");
            await (await machine.OpenAsync()).DisposeAsync();
        });
        await said.SayAsync("A pool that is deleted leaves its drives blank", async () =>
        {
            await machine.DeleteAsync();
            string left = await Machine.ShellAsync($"for s in {string.Join(' ', drives.Select(drive => drive.Split(':')[1]))}; do wipefs --noheadings $(lab-disk $s); done");
            Sentences.Require(left.Trim().Length == 0, left);
        });
    }

    private static ConformanceCase Foreign(Machine machine)
        => PoolConformance.ForeignIsLeftAlone(
            async (_, name) => await Machine.ShellAsync($"lvcreate -y -q -Wn -Zn -L 64m -n {name} evestorage-{machine.Name} 2>/dev/null || lvcreate -y -q -V 64m -T evestorage-{machine.Name}/Thinpool -n {name}"),
            async (_, name) =>
            {
                bool there = (await Machine.ShellAsync($"lvs --noheadings -o lv_size --units m --nosuffix evestorage-{machine.Name}/{name}")).Trim().StartsWith("64", StringComparison.Ordinal);
                await Machine.ShellAsync($"lvremove -y -q evestorage-{machine.Name}/{name}");
                return there;
            });
}
