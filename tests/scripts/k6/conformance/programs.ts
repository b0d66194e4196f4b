const tag = <T,>(s: TemplateStringsArray, ...v: T[]) => s.join('|') + v.join(','); console.log(tag<number>`a${1}b${2}c`);
//=> [["a|b|c1,2"]]
//---
class A { static [k: string]: number; static x = 1 } console.log(A.x);
//=> [[1]]
//---
class A { [k: string]: any; readonly [n: number]: string; static readonly [s: symbol]: boolean; y = 2 } console.log(new A().y);
//=> [[2]]
//---
const a = {b: 1} as Foo['b']['c']; console.log(a.b);
//=> [[1]]
//---
class A { abstract = 1; declare = 2; readonly = 3; type = 4; namespace = 5; override = 6; accessor = 7; satisfies = 8; is = 9; asserts = 10; infer = 11; out = 12; in = 13; static = 14; get = 15; set = 16; async = 17; public = 18; private = 19; protected = 20; of = 21; as = 22; from = 23; keyof = 24; unique = 25; global = 26; module = 27; any=28; never=29; object=30; string=31; await=32; yield=33; let=34; constructorX=35; enum=36; class=37; new=38; } console.log(JSON.stringify(new A()));
//=> [["{\"abstract\":1,\"declare\":2,\"readonly\":3,\"type\":4,\"namespace\":5,\"override\":6,\"accessor\":7,\"satisfies\":8,\"is\":9,\"asserts\":10,\"infer\":11,\"out\":12,\"in\":13,\"static\":14,\"get\":15,\"set\":16,\"async\":17,\"public\":18,\"private\":19,\"protected\":20,\"of\":21,\"as\":22,\"from\":23,\"keyof\":24,\"unique\":25,\"global\":26,\"module\":27,\"any\":28,\"never\":29,\"object\":30,\"string\":31,\"await\":32,\"yield\":33,\"let\":34,\"constructorX\":35,\"enum\":36,\"class\":37,\"new\":38}"]]
//---
class A { abstract: number = 1; declare: string = 'a'; readonly: boolean = true; type: any; namespace!: string; override?: number; accessor: string = 'z'; static: number = 4; get: number = 5; set: string = 's'; async: any = 1; public: number = 1 } console.log(JSON.stringify(new A()));
//=> [["{\"abstract\":1,\"declare\":\"a\",\"readonly\":true,\"accessor\":\"z\",\"static\":4,\"get\":5,\"set\":\"s\",\"async\":1,\"public\":1}"]]
//---
class A { abstract(): number { return 1 } declare() { return 2 } readonly() { return 3 } type() { return 4} namespace() {return 5} override() {return 6} accessor() {return 7} static() {return 8} get() {return 9} set() {return 10} async() {return 11} public() {return 12} private<T>(): T { return 13 as any} is() {} as() {} of() {} from() {} in() {} infer() {} out() {} } console.log(Object.getOwnPropertyNames(A.prototype).join());
//=> [["constructor,abstract,declare,readonly,type,namespace,override,accessor,static,get,set,async,public,private,is,as,of,from,in,infer,out"]]
//---
class A { declare; readonly; abstract; static; override; public; private; accessor; type; } console.log(Object.keys(new A()).join());
//=> [["declare,readonly,abstract,static,override,public,private,accessor,type"]]
//---
class A { declare declare: number; readonly readonly = 1; static static = 2; override override = 3; public public = 4; private readonly private = 5; static readonly abstract = 6; static declare readonly x: number; static override y = 1; protected static readonly z = 5 } console.log(JSON.stringify(new A()), JSON.stringify(Object.entries(A)));
//=> [["{\"readonly\":1,\"override\":3,\"public\":4,\"private\":5}","[[\"static\",2],[\"abstract\",6],[\"y\",1],[\"z\",5]]"]]
//---
class A { declare?: number; readonly?: string; abstract!: number; type?: string; static?: number; get?: any; set!: any; async?: any } console.log(Object.keys(new A()).join());
//=> [["declare,readonly,abstract,type,static,get,set,async"]]
//---
let abstract = 1, declare = 2, readonly = 3, type = 4, namespace = 5, override = 6, accessor = 7, satisfies = 8, is = 9, asserts = 10, infer = 11, out = 12, global = 13, module = 14, keyof = 15, unique = 16, as = 17, from = 18, of = 19, any = 20, string = 21, number = 22, boolean = 23, symbol = 24, object = 25, unknown = 26, never = 27, bigint = 28, require = 29, get = 30, set = 31, async = 32; console.log(abstract+declare+readonly+type+namespace+override+accessor+satisfies+is+asserts+infer+out+global+module+keyof+unique+as+from+of+any+string+number+boolean+symbol+object+unknown+never+bigint+require+get+set+async);
//=> [[528]]
//---
const o = { abstract: 1, declare: 2, readonly: 3, type: 4, namespace: 5, override() { return 1 }, accessor: 7, satisfies: 8, is: 9, asserts: 10, infer: 11, out: 12, in: 13, get: 1, set: 2, async: 3, await: 4, static: 5, enum: 6, public: 7 }; console.log(JSON.stringify(o), o.type, o.namespace, o.declare, o.abstract, o.enum, o.satisfies, o.as, o.is);
//=> [["{\"abstract\":1,\"declare\":2,\"readonly\":3,\"type\":4,\"namespace\":5,\"accessor\":7,\"satisfies\":8,\"is\":9,\"asserts\":10,\"infer\":11,\"out\":12,\"in\":13,\"get\":1,\"set\":2,\"async\":3,\"await\":4,\"static\":5,\"enum\":6,\"public\":7}",4,5,2,1,6,8,null,9]]
//---
type = 5; declare = 6; namespace = 7; abstract = 8; module = 9; global = 10; var type, declare, namespace, abstract, module, global; console.log(type, declare, namespace, abstract, module, global);
//=> [[5,6,7,8,9,10]]
//---
var type = 1; type
Foo = 5; var Foo;
//=> []
//---
var declare = 1; declare
var x = 2; console.log(x)
//=> [[2]]
//---
var namespace = 1, N; namespace
N
{ console.log('block') }
//=> [["block"]]
//---
type(1); function type(x: number) { console.log(x) } namespace(2); function namespace(x) { console.log(x) } declare(3); function declare(x) { console.log(x) } abstract(4); function abstract(x) { console.log(x) }
//=> [[1],[2],[3],[4]]
//---
function f(abstract: number, declare: string, readonly: boolean, type?: string, namespace = 5, is: any = 1, infer?: any, asserts?: any, out?: any, satisfies?: any, accessor?: any, override?: any) { return [abstract, declare, readonly, type, namespace, is, infer] } console.log(f(1,'2',true));
//=> [[[1,"2",true,null,5,1,null]]]
//---
const g = (type: string, readonly: number, as: any, of: any) => type + readonly + as + of; console.log(g('a', 1, 2, 3));
//=> [["a123"]]
//---
const g = type => type + 1; const h = async async => async; const i = (async) => async; const j = async (x: number): Promise<number> => x; const k = async <T,>(x: T): Promise<T> => x; console.log(g(1), i(2)); 
//=> [[2,2]]
//---
for (const x of <number[]>[1,2]) console.log(x); for (const x of [1,2] as const) console.log(x); for (let i = 0 as number, n = 2 as any; i < n; i++) console.log(i); 
//=> [[1],[2],[1],[2],[0],[1]]
//---
interface A<T = {}> extends B<T>, C { <U>(x: U): U; new (x: number): A; readonly [k: string]: any; method?<T>(this: Window, ...rest: T[]): asserts this is string; get x(): number; set x(v: number); } console.log(1);
//=> [[1]]
//---
interface A { type: string; abstract: number; get: () => void; set(v: any): void; new: string; readonly: boolean; async?: number }
console.log(1)
//=> [[1]]
//---
function isString(x: unknown): x is string { return typeof x === 'string' } function assertIsString(x: any): asserts x is string {} function assertX(x: any): asserts x {} console.log(isString('a'));
//=> [[true]]
//---
const isFoo = (x: any): x is Foo => x.foo; const a2 = (x: any): asserts x => {}; class B { isA(): this is A { return true } } console.log(isFoo({foo: 1}));
//=> [[1]]
//---
function f(x: number): string; function f(x: string): number; function f(x: any): any { return x } console.log(f(1));
//=> [[1]]
//---
abstract class A { abstract x: number; protected abstract readonly z: string; abstract foo(): void; public abstract bar<T>(x: T): Promise<T>; abstract get y(): number; abstract set y(v: number); baz() { return 1 } constructor(protected readonly q: number, private w = 5) {} } class B extends A { x = 1; z = 's'; foo() {} async bar<T>(x: T) { return x } get y() { return 2 } set y(v) {} } console.log(JSON.stringify(new B(3)), new B(1).baz());
//=> [["{\"q\":3,\"w\":5,\"x\":1,\"z\":\"s\"}",1]]
//---
class A { constructor(); constructor(x: number); constructor(x?: any) { console.log(x) } m(): void; m(x: number): void; m(x?: any): void { console.log('m', x) } static s(): void; static s(x?: any): void {} } new A(1 as any).m(2);
//=> [[1],["m",2]]
//---
class A { x!: number; y?: string; static z: number; #p: number = 1; readonly #q = 2; static #r?: number; declare d: string; get p(): number { return this.#p } set p(v: number) { this.#p = v } has(o: any): o is A { return #p in o } } const a = new A(); a.p = 5; console.log(a.p, Object.keys(a).join(), a.has(a), a.has({}));
//=> [[5,"x,y",true,false]]
//---
class A extends (foo as any)<string> {} function foo() {}; 
//=> []
//---
class B {} class A extends (B as new () => any) { override toString(): string { return 'A' } } console.log(String(new A()));
//=> [["A"]]
//---
function mixin<T extends new (...args: any[]) => {}>(Base: T) { return class extends Base { constructor(...args: any[]) { super(...args) } public hello?: string = 'hi' } } console.log(new (mixin(class {}))().hello);
//=> [["hi"]]
//---
const enum A { B = 1, C = B << 2, D = ~C } console.log(A.B, A.C, A['D']);
//=> [[1,4,-5]]
//---
declare enum A { B } declare const enum C { D } console.log(1);
//=> [[1]]
//---
enum A { X } enum A { Y = 5 } console.log(JSON.stringify(A)); namespace A { export const z = 1 } console.log(JSON.stringify(A));
//=> [["{\"0\":\"X\",\"5\":\"Y\",\"X\":0,\"Y\":5}"],["{\"0\":\"X\",\"5\":\"Y\",\"X\":0,\"Y\":5,\"z\":1}"]]
//---
function f() {} namespace f { export const x = 1 } class C {} namespace C { export function y() { return x2 } const x2 = 2 } console.log((f as any).x, C.y());
//=> [[1,2]]
//---
declare var __ENV: { [key: string]: string }; declare let a: number, b: string; declare const c; declare function open(f: string): string; declare class Foo { x: number; m(): void } declare abstract class Bar {} declare type X = number; declare interface Y {} console.log(1)
//=> [[1]]
//---
const x = { a: 1 } satisfies Foo; const y = [1, 2] as const satisfies readonly number[]; const z = (x satisfies any).a; console.log(x.a, y[0], z);
//=> [[1,1,1]]
//---
const a: any = { b: { c: () => 1 } }; console.log(a!.b!.c!(), a?.b!.c(), a!?.b, a.b![`c`], a!["b"]!.c, (a.b!)!.c, a.b!.c!?.());
//=> [[1,1,{},null,null,null,1]]
//---
const a = 5; const b = a! + 1; const c = a! as number; const d = !a!; const e = a!!; const f = a! !== 3; const g = a!==3; const h = a! == 5 ? a! : 1; console.log(b, c, d, e, f, g, h);
//=> [[6,5,false,5,true,true,5]]
//---
const x = <any>1; const y = <Foo>{ a: 1 }; const z = <T>(v: T) => v; const w = <T,>(v: T) => v; const q = <T extends object>(v: T): T => v; const r = async <T>(v: T) => v; const s = <const>['a', 'b']; const u = <T, U = T>(a: T, b?: U) => a; const v = <const T,>(x: T) => x; console.log(x, y.a, z(1), w(2), s[0], u(3), v(4));
//=> [[1,1,1,2,"a",3,4]]
//---
const x = <any><unknown>1; const y = <string>(<any>x); const n = -<number>x; const t = typeof <any>x; const aw = async () => await <Promise<any>>x; const arr = [<any>1, <any>2]; f(<any>x, <Foo<Bar>>x); function f(...a) { console.log(a.join()) } <any>x; (<any>x).y; <any>{ a: 1 }; <any>function () {};
//=> [["1,1"]]
//---
declare const s: unique symbol; const t: unique symbol = Symbol(); interface I { readonly [t]: string } class C { static readonly s: unique symbol = Symbol(); [t]: string = 'a' } console.log(new C()[t]);
//=> [["a"]]
//---
let a: any = (x) => x, b = 2; console.log(a<number>(1), a<string>('x').length, new Map<string, number>([['a', 1]]).get('a'), a<typeof b>(3), a<Array<Array<number>>>(4), a<{ a: number }>(5), a<'x' | 'y'>(6), a<() => void>(7), a<[number, string]>(8), a<number>?.(9), a?.<number>(10));
//=> [[1,1,1,3,4,5,6,7,8,9,10]]
//---
const f = g<string>; const h = new Map<string, number>; const i = [g<number>, g<string>]; const j = g<string> || 1; const k = { a: g<number> }; function g() {} console.log(typeof f, h.size, typeof i[0]);
//=> [["function",0,"function"]]
//---
let a = 1, b = 2, c = 3, d; d = a < b || b > c; d = a<b>c; d = a < b && c > b; console.log(d, a<b, a>b, a<<b, a>>b, a>>>b, a<b==b>a); if (a < b && b > (c)) {} if (a<b) {} for (let i=0;i<b;i++) {}
//=> [[true,true,false,4,0,0,true]]
//---
const x = a ? (b) : c => d; var a = 1, b = 2, c, d; console.log(x)
//=> [[null]]
//---
const x = a ? b ? (c) : d : e; const y = a ? (x) => ({ b: x }) : (y): any => y; const z = a ? (b = 1): any => b : 2; const q = a ? ({ b }): any => b : 2; const w = a ? ([b]): any => b : 2; var a = 1, b = 1, c = 2, d, e; console.log(x);
//=> [[null]]
//---
const x = a ? function (b): number { return b } : (c) => c; const y = a ? b! : c!; const z = a ? b as any : c as any; const w = a ? <any>b : <any>c; var a = 1, b = 2, c = 3; console.log(y, z, w);
//=> [[null,null,null]]
//---
type A = `a${string}-${number}`; type B = { readonly [K in keyof T]?: T[K] }; type C = { -readonly [K in keyof T]-?: T[K] }; type D = { [K in keyof T as `get${Capitalize<K>}`]: () => T[K] }; type E<T> = T extends (infer U extends string)[] ? U : T extends Promise<infer V> ? V : never; type F = A extends B ? C extends D ? 1 : 2 : 3; type G = new <T>(x: T) => T; type H = abstract new () => void; type I = typeof import('x'); type J = import('x').Y<string>; type K = [a: string, b?: number, ...rest: any[]]; type L = { new (): void; (): void }; type M = asserts; type N = (x: any) => x is string; type O = (this: any) => asserts this is X; type P = | 'a' | 'b'; type Q = & A & B; type R = keyof typeof x; type S = A['b']['c'][number]; type T = -1n | 1e3 | true | null | undefined | void; type U = readonly string[]; type V = unique symbol; type W = typeof x[0]; type X = typeof x<string>; type Y = { get a(): string; set a(v: string) }; type Z = this; console.log(1)
//=> [[1]]
//---
type A
= string
type B<
  T,
> =
  | 'a'
  | 'b'
interface C
{
  a: string
  b(): void
  <T>(x: T): T
  [k: string]: any
}
console.log(1)
//=> [[1]]
//---
var interface_ = 1; console.log(interface_)
//=> [[1]]
//---
let a = b!
(c)
function b(x) { console.log('called') } var c
//=> [["called"]]
//---
let x: string
(function () { console.log(1) })()
//=> [[1]]
//---
let x: string
[1, 2].forEach(x => console.log(x))
//=> [[1],[2]]
//---
let x: Array<string>
;[1, 2].forEach(x => console.log(x))
//=> [[1],[2]]
//---
class A { x: string
[k: string]: any
y: number
*gen() {} }
//=> []
//---
class A { x: number
  ['y'] = 2 }
console.log(JSON.stringify(new A()))
//=> [["{\"y\":2}"]]
//---
class A { get
  x() { return 1 } static
  y = 2; async
  z() { } }
console.log(Object.getOwnPropertyNames(A.prototype).join())
//=> [["constructor,x,z"]]
//---
const re = a as any / 2 / 1; var a = 10; console.log(re)
//=> [[null]]
//---
const r1 = /ab+c/.test('abbc'), r2 = x => /=>/.test(x), r3 = (1 as any) / 2 / 4, r4 = [1]!.length / 2; let y = <any>/re/g; function f() { return /x/ } if (1) /y/.test('a'); const z = a! / b! / c!; var a = 8, b = 2, c = 2; console.log(r1, r3, r4, y.source, z);
//=> [[true,0.125,0.5,"re",null]]
//---
function f(this: Window, a?: number, ...rest: string[]) { return rest.length } function g(this: void) {} const h = function (this: any, x) {}; class A { m(this: A, x: number) { return x } } console.log(f.call(null, 1, 'a'), f.length, g.length, new A().m(3));
//=> [[1,1,0,3]]
//---
function f({ a, b }: { a: number; b?: string }, [c, d]: [number, number] = [1, 2], { e = 5, ...rest }: any = {}) { return a + c + d + e } console.log(f({ a: 1 }));
//=> [[9]]
//---
try { throw 1 } catch (e: unknown) { console.log(e as number) } try { throw 1 } catch { console.log(2) } try { throw {a: 1} } catch ({ a }: any) { console.log(a) }
//=> [[1],[2],[1]]
//---
const { a, b: { c } }: { a: number; b: { c: string } } = { a: 1, b: { c: 'x' } }; const [d, , e = 3]: any[] = [1, 2]; let f!: number, g: string | undefined; console.log(a, c, d, e, g);
//=> [[1,"x",1,3,null]]
//---
label: for (const x of [1, 2] as number[]) { for (;;) { continue label } } label2: { break label2 } a: b: { } console.log('ok')
//=> [["ok"]]
//---
switch (x as any) { case 1 as any: console.log(1); case <any>2: default: type T = 1; enum E { A } console.log(E.A) } var x
//=> [[0]]
//---
let a = 1 as number | string, b = [] as string[], c = {} as { [k: string]: any }, d = null as any as Foo<Bar[]>, e = x as () => void, f = (x as any)?.y, g = x as any || 1, h = x as any && 2, i = x as any ?? 3, j = x as number + 1, k = (x as any) in {}, l = x as any instanceof Object; var x = 1; console.log(a, f, g, h, i, j)
//=> [[1,null,1,null,3,null]]
//---
const a = x as A | B; const b = x as A & B, c = y as keyof A; const d = x as A extends B ? C : D; const e = x as (new () => any); const f = x as typeof y; const g = x as `a${string}`; const h = x as 'a' | 1; const i = x as A.B<C>[]; const j = x as [a: string]; const k = x as unique symbol; var x, y; console.log(1)
//=> [[1]]
//---
const p = { method<T>(x: T): T { return x }, async am(): Promise<void> {}, *gen(): any {}, get g(): number { return 1 }, set g(v: number) {}, ['c' + 1](x?: string): void {}, async *ag<T>() {}, arrow: <T,>(x: T): T => x, fn: function <T>(this: any): void {} }; console.log(p.method(1), p.g, Object.keys(p).join());
//=> [[1,1,"method,am,gen,g,c1,ag,arrow,fn"]]
//---
class A { constructor(readonly x: number, public y?: string, private z = 5, override w?: number) { console.log(this.x, this.y, this.z) } } new A(1, 'a');
//=> [[1,"a",5]]
//---
class B { v = 1 } class A extends B { f = this.x; constructor(private x: number) { super(); console.log(this.x, this.f) } } new A(3);
//=> [[3,null]]
//---
class B {} class A extends B { constructor(private x: number) { 'use strict'; console.log('before'); super(); console.log(this.x) } } new A(3);
//=> [["before"],[3]]
//---
class A { private static instance?: A; private constructor() {} public static get(): A { return A.instance ??= new A() } static { A.instance = undefined as any } } console.log(A.get() === A.get());
//=> [[true]]
//---
let x = y as any, z; var y; let f = (a: number = 1 as any, b?: () => void): void => {}; let g = (...args: [number, string?]): args is any => true; console.log(typeof f)
//=> [["function"]]
//---
const f = (a?) => a, g = (a?, b?: number) => b, h = (a?: number, ...b) => a, i = ({ a }?: any) => 1, j = function (a?) {}; console.log(f(1));
//=> [[1]]
//---
const f = (x: number): { a: number } => ({ a: x }); const g = (x): x is { a: 1 } => true; const h = (): (() => void) => () => {}; const i = (): Promise<() => void> => null; const j = (a: (b: number) => string): ((c: string) => number) => null; console.log(f(1).a)
//=> [[1]]
//---
async function f() { const x = await <any>g(); const y = (await g<string>()) as any; const z = await g()!; return x } function g<T>() { return 1 } 
//=> []
//---
let u: undefined | { a: number }; u ??= { a: 1 }; u!.a ||= 2; u.a! &&= 3; (u as any).a ??= 4; console.log(u.a); let n = u?.a!; let m = u?.a as number; let k = (u?.a)!; console.log(n, m, k)
//=> [[3],[3,3,3]]
//---
const m = new Map<string, number>
m.set('a', 1); console.log(m.size)
//=> [[1]]
//---
const f = id<number>
const g = 1; console.log(f(2)); function id<T>(x: T) { return x }
//=> [[2]]
//---
const o = { m<T>(x: T) { return x } }; console.log(o.m<number>(1), o.m<{ a: string }>({ a: 'x' }).a, o['m']<number>(3))
//=> [[1,"x",3]]
//---
console.log((<T,>(x: T) => x)<number>(1)); console.log(new (class<T> { x!: T; y = 2 })<number>().y)
//=> [[1],[2]]
//---
const r = await_(fetch_<Foo[]>(`u`)); function await_(x) { return x } function fetch_<T>(u: string): T { return u as any } console.log(r)
//=> [["u"]]
//---
class Svc { private readonly url: string; static readonly DEFAULT: number = 5; private cache: Map<string, Map<string, number[]>> = new Map<string, Map<string, number[]>>(); constructor(url: string = 'x', private readonly opts: Partial<{ a: number }> = {}) { this.url = url } get<T = any>(p: string, q?: Record<string, string>): T | undefined { return p as unknown as T } private async post<T>(this: Svc, b: T): Promise<T | null> { return b } } console.log(new Svc().get('a'))
//=> [["a"]]
//---
type Fn = typeof import('./x.js'); type G = import('./x').Y[]; let a: import('k6').Options = {}, b: typeof import('x').y; console.log(1)
//=> [[1]]
//---
const enum Dir { Up = 'UP', Down = 'DOWN' } function f(d: Dir) { switch (d) { case Dir.Up: return 1; case Dir.Down: return 2; default: const _: never = d; return _ } } console.log(f(Dir.Up))
//=> [[1]]
//---
enum E { A = 1 << 0, B = 1 << 1, C = A | B, D = 'x'.length, F = -1, G, H = +'3', I = `t`, J = (2 + 3) * 2, K = J % 3, L = E.A + 1, M = 1 / 0, N = NaN } console.log(JSON.stringify(E))
//=> [["{\"0\":\"G\",\"1\":\"K\",\"2\":\"L\",\"3\":\"H\",\"10\":\"J\",\"A\":1,\"B\":2,\"C\":3,\"D\":1,\"F\":-1,\"-1\":\"F\",\"G\":0,\"H\":3,\"I\":\"t\",\"J\":10,\"K\":1,\"L\":2,\"M\":null,\"Infinity\":\"M\",\"N\":null,\"NaN\":\"N\"}"]]
//---
enum E { A = 'a', B = A, C = `${A}-b`, D = E.A + 'x' } console.log(JSON.stringify(E))
//=> [["{\"A\":\"a\",\"B\":\"a\",\"C\":\"a-b\",\"D\":\"ax\"}"]]
//---
enum E { A, B, 'C D', constructor_ = 7, toString = 8 } console.log(E[0], E.B, E['C D'], E[7], E.toString)
//=> [["A",1,2,"constructor_",8]]
//---
const x = { a: 1, b: 2 } as const; type K = keyof typeof x; for (const k of Object.keys(x) as K[]) console.log(x[k]); for (const [k, v] of Object.entries(x) as [K, number][]) console.log(k, v)
//=> [[1],[2],["a",1],["b",2]]
//---
function assert(c: any, m?: string): asserts c { if (!c) throw new Error(m) } assert(1); function isOk<T>(r: T | null): r is T { return r !== null } console.log([1, null].filter(isOk).length, [1, null].filter((x): x is number => x !== null).length)
//=> [[1,1]]
//---
let v = (x as any)?.a?.[0]!.b ?? 'd', w = x!?.a!; var x; console.log(v)
//=> [["d"]]
//---
abstract class Shape { abstract area(): number; static create(this: new () => Shape) { return new this() } describe(): string { return `${this.constructor.name} ${this.area()}` } } class Sq extends Shape { constructor(public s = 2) { super() } area() { return this.s ** 2 } } console.log(new Sq().describe(), (Sq as any).create().area())
//=> [["Sq 4",4]]
//---
interface A { (x: number): string; new (x: string): A; [i: number]: string; readonly p?: number; m?(): void }
declare function d(): void
declare let q: number
type T1 = A & { z: 1 } | undefined
console.log(1)
//=> [[1]]
//---
const x = y satisfies T as U; const z = [1, 2, 3] satisfies number[]; const w = { m() { return 1 } } satisfies { m(): number }; var y; console.log(z.length)
//=> [[3]]
//---
const fn = async <T extends { id: string }>(items: T[], cb: (t: T, i: number) => Promise<void>): Promise<T[]> => { for (const [i, t] of items.entries()) await cb(t, i); return items }; const gen = function* <T>(x: T): Generator<T, void, unknown> { yield x }; console.log([...gen<number>(1)].length)
//=> [[1]]
//---
const debounce = <F extends (...args: any[]) => any>(f: F, ms = 0): ((...args: Parameters<F>) => ReturnType<F>) => (...args: Parameters<F>): ReturnType<F> => f(...args); console.log(debounce((x: number) => x * 2)(4))
//=> [[8]]
//---
const c = cond ? (x: number): string => 'a' : (y: string): number => 1; const d = cond ? (x) : (y); const e = cond ? (x as any) : y!; const f = cond ? [x as any] : { a: y as string }; const g = cond ? <any>x : (<any>y); var cond = 1, x = 1, y = 2; console.log(typeof c, d, e)
//=> [["function",null,null]]
//---
if (a < b && c > d) console.log(1); while (a < b) break; for (let i = 0; i < n && m > i; i++) {} const t = i < n ? 1 : 2; const arr = [a < b, c > d]; const q = a <b> c; var a = 1, b = 2, c = 3, d = 1, n = 1, m = 2, i = 0; console.log(t, arr.join(), q)
//=> [[2,"false,false",false]]
//---
var a = 1
let b = a
++b
console.log(a, b)
let c = <any>a
;(function () { console.log('iife') })()
const d = a as any;
[1].map(x => x)
//=> [[1,2],["iife"]]
//---
let p: { a: string }
p = { a: 'x' }
let q: string | undefined
q = p.a
let f: () => void
f = () => {}
type X = { a: string }
type Y = X['a']
let r: typeof p
r = p
console.log(r.a)
//=> [["x"]]
//---
type Json = string | number | boolean | null | Json[] | { [k: string]: Json }; type Rec<T> = T extends [infer H, ...infer R] ? [H, ...Rec<R>] : []; type Ev = `on${Capitalize<'a' | 'b'>}`; type Getters<T> = { [K in keyof T as `get${Capitalize<string & K>}`]: () => T[K] }; type Opt<T> = { [K in keyof T]?: T[K] } & {}; type Ctor<T = {}> = new (...a: any[]) => T; type AbsCtor = abstract new () => object; let t: [a: string, b?: number, ...c: boolean[]]; type U2 = typeof globalThis; type A1 = (typeof arr)[number]; const arr = ['a'] as const; console.log(1)
//=> [[1]]
//---
type A = { x: number, y: string; z: boolean
w: any }
interface B { a, b; c
d? }
let o: { a, b?: number } = { a: 1 }; console.log(o.a)
//=> [[1]]
//---
const f = function (this: { a: number }, ...r: number[]): number { return this.a + r.length }; console.log(f.call({ a: 1 }, 2, 3)); const g = { h(this: any) { return this === g } }; console.log(g.h())
//=> [[3],[true]]
//---
let { a = 1 as number, b: { c = <any>2 } = {} as any, ...rest }: { [k: string]: any } = {}; let [d = 3 as any, ...e]: any[] = []; console.log(a, c, d)
//=> [[1,2,3]]
//---
try { } catch (e: any) { } finally { } function f() { try { return 1 as any } catch (err: unknown) { if (err instanceof Error) console.log((err as Error).message) } } f()
//=> []
//---
let async = 1, of = 2, get = 3, set = 4, type = 5, from = 6, as = 7; const o = { async, of, get, set, type, from, as, async x() {}, get y() { return 1 }, set y(v) {}, async *z() {} }; console.log(JSON.stringify(o), async + of)
//=> [["{\"async\":1,\"of\":2,\"get\":3,\"set\":4,\"type\":5,\"from\":6,\"as\":7,\"y\":1}",3]]
//---
a = b as any, c = d as any; var a, b = 1, c, d = 2; console.log(a, c); ({ a, c } = <any>{ a: 5, c: 6 }); console.log(a, c); (a as any)++; a!++; --a!; (<number>a) += 2; console.log(a)
//=> [[null,null],[5,6],[8]]
//---
const x = y as const; const z = <const>['a']; const w = { a: 1 } as const satisfies any; var y; console.log(z[0])
//=> [["a"]]
//---
let x = a as any ? b : c; let y = a! ? b! : c!; let z = (a as any) ? (b as any) : (c as any); let w = a as boolean ? 1 : 2; var a = 1, b = 2, c = 3; console.log(x, y, z, w)
//=> [[null,null,null,2]]
//---
let m = <T extends any[]>(...a: T) => a; let n = <T extends keyof typeof o, U>(k: T): U => o[k] as any; let o = { a: 1 }; console.log(m(1).length, n<'a', number>('a'))
//=> [[1,1]]
//---
function* g(): Iterable<number> { const x: number = yield 1 as any; yield <any>2; yield* <any>[3] } console.log([...g()].join())
//=> [["1,2,3"]]
//---
"use strict"; const a = 1 as number; 'use asm' as any; console.log(a)
//=> [[1]]
//---
let \u0061bc: number = 1; console.log(abc); let ünï: string = 'x', $: any, _: any; console.log(ünï)
//=> [[1],["x"]]
//---
const x = "as any" as any, y = 'a < b > c', z = /as any/g as RegExp; // as any <T>
/* x as T */ console.log(x, y, z.source)
//=> [["as any","a < b > c","as any"]]
//---
let a: Array<{ x: Array<Map<string, Set<number>>>}>= [], b: A<B<C<D>>> = null, c = (x: A<B<C>>): A<B<C>> => x, d = f<A<B<C>>>(1), e = 8 >>> 1 >> 1; function f<T>(x) { return x } console.log(d, e)
//=> [[1,2]]
//---
function f<T>(x: T) { return x } const a = f<<T>(x: T) => T>(y => y), b = f<(x: any) => void>(1 as any), c: Foo<<T>(x: T) => T> = null; console.log(typeof a)
//=> [["function"]]
//---
if (true) type_ = 1; else type_ = 2; var type_; if (x as any) y = 1 as any; else y = 2 as any; var x, y; console.log(y)
//=> [[2]]
//---
const o = { if: 1, class: 2, new: 3, delete: 4, default: 5, in: 6, typeof: 7, as: 8, type: 9 }; console.log(o.if, o.class, o.new, o.delete, o.default, o.in, o.typeof, o.as, o!.type); const { if: a, class: b, default: c } = o; console.log(a + b + c)
//=> [[1,2,3,4,5,6,7,8,9],[8]]
//---
class A { static async *gen<T>(): AsyncGenerator<T> {} static get x(): number { return 1 } static set x(v: number) {} private static async m() {} public static readonly y: number = 1; protected get z() { return 1 } private set z(v) {} static override async n(): Promise<void> {} readonly 'k-k': string = 'v'; static #s = 1; static m2 = (): void => {}; async = 1; static static_ = 2 } console.log(A.x, A.y)
//=> [[1,1]]
//---
function f(x?: number, y: string = 'a', { z }: { z?: number } = {}, [w]: number[] = [], ...v: any[]): void { console.log(x, y, z, w, v.length) } f(); const g = (x?: number, y: string = 'a'): void => {}; 
//=> [[null,"a",null,null,0]]
//---
let fnType: (this: void, a: string) => asserts a is string, ctor: new () => void, opt: ((a?: number) => void) | null = null, tpl: `a${number}`, obj: { (): void; new (): void; m(): void; readonly [k: string]: any }; console.log(opt)
//=> [[null]]
//---
declare class A { static [k: string]: number; static x: number } console.log(1)
//=> [[1]]
//---
const q = sql<User[]>`select * from ${t}`.all(); const z = gql<A, B>
  `x`; function sql<T>(s, ...v): any { return { all: () => s.length + v.length } } function gql<A,B>(s) { return 7 } var t; console.log(q, z)
//=> [[3,7]]
//---
try { console.log(E.A, E['B'], E.C.length, f(), E.D, E.A.toFixed(1)); } catch (e) { console.log('err'); } function f(e: E = E.B): any { return e + E.A } enum E { A = 1, B = 'b"é', C = 'ccc', D = -2 } console.log(E.A, E[1]);
//=> [[1,"b\"é",3,"b\"é1",-2,"1.0"],[1,"A"]]
//---
const o = { [K.X]: 1, y: K.Y as any, z: K.Z! }; console.log(JSON.stringify(o)); const enum K { X = 'x', Y = 5, Z }
//=> [["{\"x\":1,\"y\":5,\"z\":6}"]]
//---
function g() { const r = L.A; enum L { A = 3 } return r } console.log(g()); { const M = { A: 'shadow' }; console.log(M.A) } enum M { A = 'enum' } console.log(M.A);
//=> [[3],["shadow"],["enum"]]
