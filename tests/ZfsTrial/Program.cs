using EveStorage.ZfsTrial;

// Runs trials of the ZFS backend against the kernel it runs on, in one process, since starting one under emulation takes long.
// Each line of output is a promise that was kept or broken. ZfsPoolTests of tests/Lab.Tests runs it in a guest.
//   dotnet EveStorage.ZfsTrial.dll TRIAL DRIVE...
string trial = args[0];
string[] drives = args[1..];
Sentences said = new(Console.Out);
await (trial switch
{
    "promises" => PromiseTrial.RunAsync(said, drives[0], drives[1..]),
    "refusals" => RefusalTrial.RunAsync(said, drives),
    "cuts" => CutTrial.RunAsync(said, drives),
    "cuts-file-systems" => CutTrial.RunFileSystemsAsync(said, drives),
    "drives" => DriveTrial.RunAsync(said, drives),
    "streams" => StreamTrial.RunAsync(said, encrypted: false, drives),
    "streams-encrypted" => StreamTrial.RunAsync(said, encrypted: true, drives),
    "half-made" => HalfMadeTrial.RunAsync(said, drives),
    "care" => CareTrial.RunAsync(said, drives),
    "locked" => LockedTrial.RunAsync(said, drives),
    _ => throw new ArgumentException($"there is no trial {trial}"),
});
return said.Broken == 0 ? 0 : 9;
