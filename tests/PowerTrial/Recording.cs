using System.Diagnostics;
using EveStorage.Linux;
using Microsoft.Win32.SafeHandles;

namespace EveStorage.PowerTrial;

/// <summary>Takes a course on a drive whose writes are logged, with a mark where each act is acknowledged: <c>record SEED ACTS</c>.</summary>
internal static class Recording
{
    /// <summary>A logical volume of somebody's in the pool's volume group, and what it holds.</summary>
    internal const string Foreign = "theirs";

    internal static Content ForeignContent { get; } = Content.Empty(4).With(-1, Enumerable.Range(0, 100));

    internal static async Task RunAsync(int seed, int acts)
    {
        await Drives.RecordAsync();
        await using Machine machine = await Machine.StartAsync();
        Course course = new(seed);
        Act act = Course.Start;
        for (int number = 1; ; number++)
        {
            long start = Stopwatch.GetTimestamp();
            await TakeAsync(machine, act);
            await Drives.MarkAsync($"done-{number}");
            Console.WriteLine($"act {number}: {act.Title} ({Stopwatch.GetElapsedTime(start).TotalSeconds:0.0} s)");
            if (number == 1)
            {
                await Machine.LvmAsync($"lvcreate -y -q -Wn -Zn -L 4m -n {Foreign} evestorage-data");
                Write(Machine.PathOf(Foreign), ForeignContent, ForeignContent.Pages.Keys);
                await Drives.MarkAsync(Foreign);
            }

            if (number > acts)
            {
                return;
            }

            act = course.Next(act.After);
        }
    }

    private static async Task TakeAsync(Machine machine, Act act)
    {
        if (act.Volume is string volume)
        {
            Write(Machine.PathOf(volume.Replace('-', '+')), act.After.Volumes[volume].Now, act.Pages);
            return;
        }

        SafeFileHandle? image = null;
        if (act.Image is Content content)
        {
            string path = $"/tmp/{Guid.NewGuid()}.raw";
            using (FileStream file = File.Create(path))
            {
                content.WriteTo(file);
            }

            image = File.OpenHandle(path);
            File.Delete(path);
        }

        await machine.ChangeAsync(act.Request!, image);
    }

    // Past the guest's page cache, then flushed: the moment at which it is promised.
    private static void Write(string path, Content content, IEnumerable<int> pages)
    {
        using BlockFile disk = BlockFile.Open(path, writable: true);
        foreach (int page in pages)
        {
            disk.Write((long)page * Content.PageSize, content.PageAt(page));
        }

        disk.Flush();
    }
}
